package conformance

import "context"

func runTestState(ctx context.Context, c *Case) ([]byte, error) { return nil, nil }
