// The functions under test, called targets. Each one takes any bytes and does what the program does
// with such a file. A target returns 1 if the input is accepted and throws InputError or
// EnvironmentError if it is refused. Any other end is a finding.
#pragma once

#include <cstddef>
#include <span>

namespace headroom::fuzz {

/// Reads a model file: metadata, tensors, hyperparameters and all blocks. Decodes two tokens with
/// kernel level reference and with avx512 or avx2; the logits must have the same bits.
int fuzz_gguf(std::span<const std::byte> input);

/// The input is the length of a text (four bytes, little-endian), the text, and a model file.
/// Encodes the text with the model's vocabulary. Decoding the ids at once and one by one must give
/// the same bytes.
int fuzz_tokenizer(std::span<const std::byte> input);

/// The input is the TOML of a scenario, then options, each after a byte 0: KEY=VALUE as for --set,
/// or
/// `@policy=…`, `@clock=…`, `@prompt=…`, `@interval=…`, `@tokens=…` or `@seed=…` for the options of
/// these names. Reading the resolved text of an accepted scenario must give the same scenario.
int fuzz_scenario(std::span<const std::byte> input);

/// Reads a trace file. If it can be opened, passes it to all commands that read traces, as far as
/// they need no model: inspect, collect, export, replay, run --resume and plan --previous.
int fuzz_trace(std::span<const std::byte> input);

} // namespace headroom::fuzz
