package aksara

// Filter selects rows of a model.
type Filter struct {
	wire map[string]any
}

// Field is a field of the rows that are searched or updated.
type Field struct {
	name string
}

// Expression is a value that the database computes from the row (UpdateRows).
type Expression struct {
	wire map[string]any
}

// F names a field, to compare it or to compute with it.
func F(name string) Field { return Field{name} }

// Eq selects rows where the field equals the value. Null equals nothing; see IsNull.
func (f Field) Eq(value any) Filter { return f.compare("eq", value) }

// Ne selects rows where the field differs from the value.
func (f Field) Ne(value any) Filter { return f.compare("ne", value) }

// Lt selects rows where the field is less than the value.
func (f Field) Lt(value any) Filter { return f.compare("lt", value) }

// Le selects rows where the field is less than the value or equals it.
func (f Field) Le(value any) Filter { return f.compare("le", value) }

// Gt selects rows where the field is greater than the value.
func (f Field) Gt(value any) Filter { return f.compare("gt", value) }

// Ge selects rows where the field is greater than the value or equals it.
func (f Field) Ge(value any) Filter { return f.compare("ge", value) }

// In selects rows where the field equals one of the values.
func (f Field) In(values ...any) Filter { return f.compare("in", append([]any{}, values...)) }

// IsNull selects rows where the field is null (true) or is not (false).
func (f Field) IsNull(null bool) Filter { return f.compare("is_null", null) }

// Contains selects rows where the text contains this part.
func (f Field) Contains(part string) Filter { return f.compare("contains", part) }

// StartsWith selects rows where the text starts with this.
func (f Field) StartsWith(start string) Filter { return f.compare("starts_with", start) }

// Add is the field's value and so much more.
func (f Field) Add(value any) Expression { return f.compute("add", value) }

// Sub is the field's value less so much.
func (f Field) Sub(value any) Expression { return f.compute("sub", value) }

// Mul is the field's value times so much.
func (f Field) Mul(value any) Expression { return f.compute("mul", value) }

// Div is the field's value divided by so much.
func (f Field) Div(value any) Expression { return f.compute("div", value) }

func (f Field) compare(operator string, value any) Filter {
	return Filter{map[string]any{"field": f.name, "op": operator, "value": value}}
}

func (f Field) compute(operator string, value any) Expression {
	return Expression{map[string]any{"field": f.name, "op": operator, "value": value}}
}

// All selects every row.
func All() Filter { return And() }

// And selects the rows that all of the filters select.
func And(filters ...Filter) Filter { return combine("and", filters) }

// Or selects the rows that any of the filters selects.
func Or(filters ...Filter) Filter { return combine("or", filters) }

// Not selects the rows that the filter does not.
func Not(filter Filter) Filter { return Filter{map[string]any{"not": filter.wire}} }

func combine(operator string, filters []Filter) Filter {
	if len(filters) == 1 {
		return filters[0]
	}
	entries := make([]any, len(filters))
	for i, filter := range filters {
		entries[i] = filter.wire
	}
	return Filter{map[string]any{operator: entries}}
}
