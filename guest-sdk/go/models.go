package aksara

import (
	"errors"

	"aksara.dev/aksara/internal/host"
)

// Models are the application's models, in the transaction in which the event fires. Each operation needs its grant.
var Models ModelStore

// ModelStore is the type of Models.
type ModelStore struct{}

// Get is one row by its key, with these fields or all; nil where there is no such row.
func (ModelStore) Get(model string, key any, fields ...string) (*Fields, error) {
	request := map[string]any{"model": model, "key": key}
	if len(fields) > 0 {
		request["fields"] = fields
	}
	answer, err := ask(host.ModelsGet, request)
	if err != nil || answer == nil {
		return nil, err
	}
	return row(model, answer)
}

// Exists says whether there is a row with this key: the cheapest question to a database. Grant: `get`.
func (ModelStore) Exists(model string, key any) (bool, error) {
	answer, err := ask(host.ModelsGet, map[string]any{"model": model, "key": key, "fields": []string{}})
	return answer != nil, err
}

// Count is the number of rows that all of the filters select; without any, of all rows.
func (ModelStore) Count(model string, filters ...Filter) (int64, error) {
	request := map[string]any{"model": model}
	if len(filters) > 0 {
		request["filter"] = And(filters...).wire
	}
	answer, err := ask(host.ModelsCount, request)
	return number(answer, err)
}

// Create saves a new row with these values and with its signals: all its fields.
func (ModelStore) Create(model string, values Values) (*Fields, error) {
	answer, err := ask(host.ModelsCreate, map[string]any{"model": model, "values": values})
	if err != nil {
		return nil, err
	}
	return row(model, answer)
}

// Update saves new values of the row with this key, with its signals: the number of rows, 0 or 1. A value may be computed
// from what is stored, as in `aksara.Values{"views": aksara.F("views").Add(1)}`: what others write at the same time is
// not lost.
func (ModelStore) Update(model string, key any, values Values) (int64, error) {
	return write(map[string]any{"model": model, "key": key}, values)
}

// UpdateRows writes to all rows that the filter selects, in one statement and without signals: their number. A value
// may be computed, as that of Update. Grant: `update`.
func (ModelStore) UpdateRows(model string, filter Filter, values Values) (int64, error) {
	return write(map[string]any{"model": model, "filter": filter.wire}, values)
}

func write(request map[string]any, values Values) (int64, error) {
	plain, computed := Values{}, Values{}
	for name, value := range values {
		if expression, ok := value.(Expression); ok {
			computed[name] = expression.wire
		} else {
			plain[name] = value
		}
	}
	if len(plain) > 0 {
		request["values"] = plain
	}
	if len(computed) > 0 {
		request["expressions"] = computed
	}
	answer, err := ask(host.ModelsUpdate, request)
	return number(answer, err)
}

// Delete deletes the row with this key, with its signals: the number of rows, with those of the cascade.
func (ModelStore) Delete(model string, key any) (int64, error) {
	answer, err := ask(host.ModelsDelete, map[string]any{"model": model, "key": key})
	return number(answer, err)
}

// DeleteRows deletes all rows that the filter selects, as Delete does. Grant: `delete`.
func (ModelStore) DeleteRows(model string, filter Filter) (int64, error) {
	answer, err := ask(host.ModelsDelete, map[string]any{"model": model, "filter": filter.wire})
	return number(answer, err)
}

// Find starts a search for rows, with these fields or all. Rows or First make it.
func (ModelStore) Find(model string, fields ...string) *Search {
	return &Search{model: model, fields: fields}
}

// Search is a search that has not been made yet.
type Search struct {
	model          string
	fields, orders []string
	filters        []Filter
	limit          *int64
}

// Where leaves out rows that the filter does not select.
func (s *Search) Where(filters ...Filter) *Search {
	s.filters = append(s.filters, filters...)
	return s
}

// OrderBy orders the rows by these fields, descending with a leading `-`.
func (s *Search) OrderBy(fields ...string) *Search {
	s.orders = append(s.orders, fields...)
	return s
}

// Limit leaves out rows after the first so many.
func (s *Search) Limit(rows int64) *Search {
	s.limit = &rows
	return s
}

// Rows makes the search.
func (s *Search) Rows() ([]*Fields, error) {
	request := map[string]any{"model": s.model}
	if len(s.fields) > 0 {
		request["fields"] = s.fields
	}
	if len(s.filters) > 0 {
		request["filter"] = And(s.filters...).wire
	}
	if len(s.orders) > 0 {
		request["order_by"] = s.orders
	}
	if s.limit != nil {
		request["limit"] = *s.limit
	}
	answer, err := ask(host.ModelsFind, request)
	if err != nil {
		return nil, err
	}
	list, ok := answer.([]any)
	if !ok {
		return nil, errors.New("the host answered a search with " + kind(answer) + ", not an array")
	}
	rows := make([]*Fields, len(list))
	for i, element := range list {
		if rows[i], err = row(s.model, element); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// First makes the search for one row; nil where there is none.
func (s *Search) First() (*Fields, error) {
	rows, err := s.Limit(1).Rows()
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0], nil
}

func row(model string, answer any) (*Fields, error) {
	values, ok := answer.(map[string]any)
	if !ok {
		return nil, errors.New("the host answered with " + kind(answer) + ", not the fields of `" + model + "`")
	}
	return fieldsFrom("`"+model+"`", values), nil
}

func number(answer any, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	count, ok := answer.(int64)
	if !ok {
		return 0, errors.New("the host answered with " + kind(answer) + ", not a number of rows")
	}
	return count, nil
}
