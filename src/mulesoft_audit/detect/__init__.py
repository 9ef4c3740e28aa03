"""Detection: rules as data, and the engine that runs them over entries as a stream."""
