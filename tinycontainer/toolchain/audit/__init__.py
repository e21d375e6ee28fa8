"""The audit of a container before its owner signs its mask: findings with stable ids."""
