package jsonata_test

import (
	"context"
	"fmt"

	"github.com/stepsleuth/stepsleuth/jsonata"
)

func ExampleExpr_Eval() {
	expr, err := jsonata.Compile(`items[price > $limit].{"name": name, "gross": price * 1.2}`, jsonata.Standard)
	if err != nil {
		fmt.Println(err)
		return
	}
	input, err := jsonata.Parse(`{"items":[{"name":"pen","price":2},{"name":"book","price":20}]}`)
	if err != nil {
		fmt.Println(err)
		return
	}
	limit, _ := jsonata.From(10)
	result, err := expr.Eval(context.Background(), input, jsonata.Env{
		Lookup: func(name string) (jsonata.Value, bool) { return limit, name == "limit" },
	})
	fmt.Println(result, err)
	// Output: {"name":"book","gross":24} <nil>
}
