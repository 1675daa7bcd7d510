"""What all sandboxes share: the contract, the clock, the faults, the control door."""
