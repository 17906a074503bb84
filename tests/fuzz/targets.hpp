// What is done to inputs that nobody vouches for. Each target takes any bytes, does with them what
// the program would, and returns 1 if they were accepted. It throws InputError or EnvironmentError
// if they were refused; every other way to end is a finding.
#pragma once

#include <cstddef>
#include <span>

namespace headroom::fuzz {

/// A model file: metadata, tensors, hyperparameters, all blocks, and two tokens decoded at the
/// reference level and at the best own one, whose logits must have the same bits.
int fuzz_gguf(std::span<const std::byte> input);

/// Four bytes with the length of a text (little-endian, cut to what is there), the text, and a
/// model file: its vocabulary encodes the text; ids are in the vocabulary and decode in one go and
/// piece by piece to the same bytes.
int fuzz_tokenizer(std::span<const std::byte> input);

/// A scenario's TOML, then options, each after a byte 0: KEY=VALUE as for --set, or `@policy=…`,
/// `@clock=…`, `@prompt=…`, `@interval=…`, `@tokens=…`, `@seed=…` for the options with names. What
/// is accepted comes out again from its resolved text.
int fuzz_scenario(std::span<const std::byte> input);

/// A trace file. What can be opened is given to every reader of traces, each as far as it goes
/// without a model: inspect, collect, export, replay, run --resume, plan --previous.
int fuzz_trace(std::span<const std::byte> input);

} // namespace headroom::fuzz
