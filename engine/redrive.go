package engine

import "errors"

func (x *execution) redrive(start *node, input string) error {
	return errors.New("engine: redrive is not supported yet")
}
