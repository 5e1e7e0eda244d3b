package aksara

import "aksara.dev/aksara/internal/host"

// Outcome is what became of one handler of a signal that was sent by SendRobust.
type Outcome struct {
	// Id of the handler.
	Handler string
	// Its error; empty when it succeeded.
	Error string
}

// About says which instance a signal that is sent is about.
type About struct {
	Sender string
	Key    any
}

// Send sends a custom signal to its handlers, until the first error, in the transaction in which the event fires. The
// signal needs its grant.
func Send(signal string, args Values, about ...About) error {
	_, err := send(signal, args, about, false)
	return err
}

// SendRobust sends a custom signal to all its handlers, whatever becomes of the others; what became of each, in order.
func SendRobust(signal string, args Values, about ...About) ([]Outcome, error) {
	answer, err := send(signal, args, about, true)
	if err != nil {
		return nil, err
	}
	list, _ := answer.([]any)
	outcomes := make([]Outcome, len(list))
	for i, element := range list {
		outcome, _ := element.(map[string]any)
		outcomes[i].Handler, _ = outcome["handler"].(string)
		outcomes[i].Error, _ = outcome["error"].(string)
	}
	return outcomes, nil
}

func send(signal string, args Values, about []About, robust bool) (any, error) {
	if args == nil {
		args = Values{}
	}
	request := map[string]any{"signal": signal, "args": args}
	for _, instance := range about {
		request["sender"], request["key"] = instance.Sender, instance.Key
	}
	if robust {
		request["robust"] = true
	}
	return ask(host.BusSend, request)
}

// Call calls a function that the application offers to plugins, with any value: its answer, as Fields.Value has
// values. The service needs its grant.
func Call(service string, args any) (any, error) {
	return ask(host.ServicesCall, map[string]any{"service": service, "args": args})
}

// Config is one of the plugin's own settings or secrets, as its operator wrote it in `plugins.toml`; nil where it is
// not set.
func Config(name string) (any, error) {
	return ask(host.ConfigGet, map[string]any{"name": name})
}
