"""Token reducers: fewer tokens out of many."""
