"""Tables in the shape of a paper's, with the paper's numbers beside ours."""
