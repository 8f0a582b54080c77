"""The conformance kit: plays either side of the VPP contract against the other."""
