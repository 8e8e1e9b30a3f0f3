"""Sample sheets and dataset configs become records that the stages can trust."""
