"""Are the results what they claim to be? Every artifact against its contract and its neighbours."""
