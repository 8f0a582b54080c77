"""Layer 3: certificates and keys; they never leave this package unprotected."""
