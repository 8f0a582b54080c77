"""A day in the life of a home: what happens, what came of it, and one page to see it."""
