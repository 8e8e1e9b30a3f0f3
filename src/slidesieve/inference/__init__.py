"""Use of fitted models: attention, token traces, cost."""
