# Builds and tests a plugin in C or C++. A plugin's own Makefile is these lines:
#
#     NAME = slugify-c
#     SOURCES = slugify.c
#     include ../../guest-sdk/c/plugin.mk
#
# `make` makes build/NAME.wasm with clang and `aksara build`; `make test` runs test.c natively.

SDK := $(dir $(lastword $(MAKEFILE_LIST)))
AKSARA ?= aksara
WASM_CC ?= clang
CC ?= cc
BUILD ?= build
STANDARD ?= -std=c11
WARNINGS = -Wall -Wextra -Wpedantic -Wconversion -Werror
# Sections that nothing refers to are dropped, and with them the imports that the plugin does not use. The stack comes
# first, so that one that overflows traps instead of writing over data.
WASM_FLAGS = --target=wasm32-wasi -mexec-model=reactor -Oz -flto -ffunction-sections -fdata-sections \
	-Wl,--gc-sections,--strip-all,--stack-first,-z,stack-size=65536

.PHONY: all test clean
all: $(BUILD)/$(NAME).wasm

$(BUILD)/$(NAME).wasm: $(BUILD)/$(NAME).core.wasm
	$(AKSARA) build $< -o $(BUILD)

$(BUILD)/$(NAME).core.wasm: $(SOURCES) $(SDK)aksara.c $(SDK)aksara_values.h $(SDK)aksara.h
	@mkdir -p $(BUILD)
	$(WASM_CC) $(STANDARD) $(WARNINGS) $(WASM_FLAGS) -I$(SDK) -o $@ $(SOURCES) $(SDK)aksara.c

$(BUILD)/test: test.c $(SOURCES) $(SDK)aksara.c $(SDK)aksara_values.h $(SDK)aksara.h $(SDK)aksara_mock.h
	@mkdir -p $(BUILD)
	$(CC) $(STANDARD) -g $(WARNINGS) -I$(SDK) -o $@ test.c $(SOURCES) $(SDK)aksara.c

test: $(BUILD)/test
	$(BUILD)/test

clean:
	rm -rf $(BUILD)
