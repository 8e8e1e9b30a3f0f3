"""Tables that people and public archives hand out, and sample sheets drafted from them."""
