"""Bundle + robot -> motion: the policy side, the servo side, the channel between them."""
