"""Who a customer is, how they sign in, and the event log with its ways out."""
