"""Every key of a study: its type, default, range and description; and the checks of a study."""
