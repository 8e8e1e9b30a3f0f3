"""Everything a study makes, as pure functions over names: paths, targets, shards, params."""
