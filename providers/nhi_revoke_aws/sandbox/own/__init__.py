"""AWS operations that moto does not have, one file a service: state, rules, data plane, what the demo plants in it."""
