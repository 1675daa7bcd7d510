"""What a person reads: blocks of text from the model's nouns, drawn for a terminal, a pipe or a document."""
