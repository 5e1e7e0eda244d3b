// The header in C++17: a table without designators, maps and filters from braces.

#include "../aksara_mock.h"

#include <cstdio>

static aksara_result shout(aksara_event *event) {
    aksara_value found = aksara_models_find(
        "Post", AKSARA_AND(aksara_where("stars", AKSARA_GE, aksara_i64(3))), "title", nullptr, 1);
    aksara_set(event, "title", aksara_member(aksara_item(found, 0), "title"));
    return AKSARA_OK;
}

static const aksara_subscription subscriptions[] = {
    {"shout", "pre_save", "Post", 0, "title", "title", AKSARA_EVERY, nullptr, shout},
};

AKSARA_PLUGIN("cpp", "1.0.0", subscriptions, nullptr)

int main() {
    aksara_mock_answer("models.find", AKSARA_LIST(AKSARA_MAP({"title", aksara_text("HELLO")})));
    aksara_mocked called =
        aksara_mock_call("shout", AKSARA_MAP({"title", aksara_text("hello")}), aksara_nil());
    bool is_right = aksara_equals(aksara_as_str(aksara_mock_field(called, "title")), "HELLO");
    std::printf("C++: %s\n", is_right ? "right" : "wrong");
    return is_right ? 0 : 1;
}
