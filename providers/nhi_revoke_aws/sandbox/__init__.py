"""AWS as it behaves: a real server of moto's behind a gate of ours. Nothing heavy is imported before `start`."""
