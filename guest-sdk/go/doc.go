// Package aksara is what authors of Aksara plugins in Go depend on.
//
// A plugin is a set of handlers, connected in an init function. A handler changes the instance of its event, and only
// what differs goes back to the host:
//
//	func init() {
//		aksara.Plugin("greet", "1.0.0", aksara.Grants{Models: map[string][]string{"Post": {"get"}}})
//		aksara.PreSave("Comment", moderate, aksara.Reads("text", "post_id"), aksara.Writes("approved"))
//	}
//
//	func main() {}
//
//	func moderate(e *aksara.Event) error {
//		if strings.Contains(e.Instance.String("text"), "casino") {
//			return aksara.Reject("spam") // the caller of save() sees a refusal
//		}
//		if found, err := aksara.Models.Exists("Post", e.Instance.Int("post_id")); err != nil {
//			return err
//		} else if !found {
//			return aksara.Invalid("post_id", "is no post") // a validation error of that field
//		}
//		e.Instance.Set("approved", true)
//		return nil
//	}
//
// PreSaveOf and its like give the handler a struct instead. The package aksaratest tests handlers with `go test`.
//
// # How model fields appear
//
//	integers                  int64
//	floats, bool, text        float64, bool, string
//	null                      the zero value, or a nil pointer in a struct; see Fields.IsNull
//	DateTime<Utc>             time.Time, in UTC
//	NaiveDate                 string, as time.DateOnly formats it
//	Uuid                      UUID
//	Decimal                   string, with its scale
//	bytes                     []byte
//	JSON                      what encoding/json makes of it, but that integers are int64
//	foreign key               the key of the row it points to
//
// # What there is of Go
//
// A plugin is compiled for wasip1, and its one thread. Goroutines work, within one event; a panic in one of them ends the
// call as a trap, while that of the handler itself becomes an error with its stack. The clock and crypto/rand are the
// host's; sleeping takes no time. What is printed ends in the host's log, line by line. There are no files, sockets,
// arguments or environment variables. A call starts with fresh variables: what init functions did is done again.
package aksara
