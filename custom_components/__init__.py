"""Make the tests import this folder, not the one that the test plugin ships."""
