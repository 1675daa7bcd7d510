"""What the operator may do in a project: custom roles to hand over, and Google's own check of what is held."""
