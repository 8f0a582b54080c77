"""Layer 1: the nouns of the product, frozen values with no I/O of any kind.

Sign everywhere: positive power flows into the vehicle, negative power is discharge.
"""
