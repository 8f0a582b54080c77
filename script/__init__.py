"""Programs of the developer, none of which is installed by a user."""
