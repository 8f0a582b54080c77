"""Checkers of the source tree, used by the tests beside this folder.

A checker takes paths or texts and returns the violations that it found, in words. So
the tests can also show it planted mistakes, and see that it finds them.
"""

from pathlib import Path

ROOT = Path(__file__).parents[2]
INTEGRATION = ROOT / "custom_components" / "v2g_vpp"
