"""HiGHS, the solver that the allocation is compared with."""

import highspy


def new_model() -> highspy.Highs:
    """Return an empty model that is solved to the end, silently."""
    model = highspy.Highs()  # type: ignore[no-untyped-call]  # a wheel without types there
    model.silent()
    model.setOptionValue("mip_rel_gap", 1e-9)
    model.setOptionValue("mip_abs_gap", 1e-9)
    return model
