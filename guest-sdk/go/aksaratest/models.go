package aksaratest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"aksara.dev/aksara"
	"aksara.dev/aksara/internal/guest"
)

// Row adds a row to a model. Its key is the field `id`, unless Key says otherwise.
func (h *Host) Row(model string, values aksara.Values) *Host {
	row := aksara.Values(must(guest.Wire(values)).(map[string]any))
	h.rows[model] = append(h.rows[model], row)
	return h
}

// Key names the field that is the key of a model.
func (h *Host) Key(model, field string) *Host {
	h.keys[model] = field
	return h
}

// Rows are those of a model, as the handlers left them.
func (h *Host) Rows(model string) []aksara.Values { return h.rows[model] }

func (h *Host) models(name string, request map[string]any) (any, error) {
	model := request["model"].(string)
	key := cmp.Or(h.keys[model], "id")
	if name == "models.create" {
		row := aksara.Values(maps.Clone(request["values"].(map[string]any)))
		if _, given := row[key]; !given {
			row[key] = int64(len(h.rows[model]) + 1)
		}
		h.rows[model] = append(h.rows[model], row)
		return row, nil
	}
	filter, found := request["filter"].(map[string]any)
	if wanted, byKey := request["key"]; byKey {
		filter = map[string]any{"field": key, "op": "eq", "value": wanted}
	} else if !found && (name == "models.update" || name == "models.delete") {
		return nil, errWhich
	}
	var rows []aksara.Values
	for _, row := range h.rows[model] {
		if matches(row, filter) {
			rows = append(rows, row)
		}
	}
	switch name {
	case "models.get":
		if len(rows) == 0 {
			return nil, nil
		}
		return columns(rows[0], request), nil
	case "models.find":
		return search(rows, request), nil
	case "models.update":
		for _, row := range rows {
			update(row, request)
		}
	case "models.delete":
		h.rows[model] = slices.DeleteFunc(h.rows[model], func(row aksara.Values) bool { return matches(row, filter) })
	}
	return len(rows), nil
}

func search(rows []aksara.Values, request map[string]any) []aksara.Values {
	orders := array(request["order_by"])
	slices.SortStableFunc(rows, func(a, b aksara.Values) int {
		for _, order := range orders {
			field, descending := strings.CutPrefix(order.(string), "-")
			result, _ := compare(a[field], b[field])
			if descending {
				result = -result
			}
			if result != 0 {
				return result
			}
		}
		return 0
	})
	if limit, limited := request["limit"].(int64); limited && int(limit) < len(rows) {
		rows = rows[:limit]
	}
	found := make([]aksara.Values, len(rows))
	for i, row := range rows {
		found[i] = columns(row, request)
	}
	return found
}

// columns are those fields of a row that the request names, or all.
func columns(row aksara.Values, request map[string]any) aksara.Values {
	names, limited := request["fields"].([]any)
	if !limited {
		return row
	}
	part := aksara.Values{}
	for _, name := range names {
		part[name.(string)] = row[name.(string)]
	}
	return part
}

func update(row aksara.Values, request map[string]any) {
	values, _ := request["values"].(map[string]any)
	maps.Copy(row, values)
	expressions, _ := request["expressions"].(map[string]any)
	for name, element := range expressions {
		expression := element.(map[string]any)
		row[name] = compute(row[expression["field"].(string)], expression["op"].(string), expression["value"])
	}
}

func compute(left any, operator string, right any) any {
	a, whole := left.(int64)
	b, alsoWhole := right.(int64)
	if whole && alsoWhole {
		return arithmetic(a, operator, b)
	}
	return arithmetic(float(left), operator, float(right))
}

func arithmetic[T int64 | float64](a T, operator string, b T) T {
	switch operator {
	case "add":
		return a + b
	case "sub":
		return a - b
	case "mul":
		return a * b
	}
	return a / b
}

func matches(row aksara.Values, filter map[string]any) bool {
	fits := func(element any) bool { return matches(row, element.(map[string]any)) }
	if all, ok := filter["and"].([]any); ok {
		return !slices.ContainsFunc(all, func(element any) bool { return !fits(element) })
	}
	if some, ok := filter["or"].([]any); ok {
		return slices.ContainsFunc(some, fits)
	}
	if inner, ok := filter["not"]; ok {
		return !fits(inner)
	}
	if filter == nil {
		return true
	}
	value, operator, operand := row[filter["field"].(string)], filter["op"].(string), filter["value"]
	switch operator {
	case "is_null":
		return (value == nil) == operand.(bool)
	case "in":
		return slices.ContainsFunc(array(operand), func(one any) bool { return holds(value, "eq", one) })
	case "contains":
		return strings.Contains(text(value), operand.(string))
	case "starts_with":
		return strings.HasPrefix(text(value), operand.(string))
	}
	return holds(value, operator, operand)
}

func holds(value any, operator string, operand any) bool {
	result, comparable := compare(value, operand)
	if !comparable {
		return false
	}
	switch operator {
	case "eq":
		return result == 0
	case "ne":
		return result != 0
	case "lt":
		return result < 0
	case "le":
		return result <= 0
	case "gt":
		return result > 0
	}
	return result >= 0
}

// compare orders two values; false where they have no order, as null has none with anything.
func compare(a, b any) (int, bool) {
	switch a := a.(type) {
	case nil:
		return 0, false
	case string:
		b, ok := b.(string)
		return cmp.Compare(a, b), ok
	case time.Time:
		b, ok := b.(time.Time)
		return a.Compare(b), ok
	case int64:
		if b, ok := b.(int64); ok {
			return cmp.Compare(a, b), true
		}
	}
	if b == nil {
		return 0, false
	}
	_, whole := a.(int64)
	if _, fraction := a.(float64); whole || fraction {
		return cmp.Compare(float(a), float(b)), true
	}
	return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)), true
}

func float(value any) float64 {
	switch v := value.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	}
	return 0
}

func text(value any) string {
	s, _ := value.(string)
	return s
}
