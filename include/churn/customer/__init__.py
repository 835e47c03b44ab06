"""What a customer is: fields, rules between them, and how values are read."""
