"""Pictures of what a token reducer kept, merged and pruned."""
