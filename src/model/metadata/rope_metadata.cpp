// The rotary embedding: keys `rope.…` and the tensors that divide its frequencies.
#include <algorithm>
#include <cmath>
#include <span>

#include "model/gguf/ggml_types.hpp"
#include "model/gguf/gguf_cursor.hpp"
#include "model/metadata/features.hpp"

namespace headroom::model {

namespace {

constexpr double kMinDivisor = 1e-3;
constexpr double kMaxDivisor = 1e6;

/// Returns a number from 1 to 1e12, or `fallback` if the key is absent.
double number_from_1(Keys& keys, const char* name, double fallback) {
    const double number = keys.positive(name, fallback);
    if (number > 0 && std::isfinite(number) && !(number >= 1 && number <= 1e12)) {
        keys.problem(fmt::format("{}: expected 1 to 1e12, found {}", keys.key(name), number));
    }
    return number;
}

/// Returns the r/2 divisors in this tensor, or nothing if there is no such tensor or it is faulty.
std::vector<float> divisors_in(Keys& keys, const char* name, std::int64_t rotated) {
    const GgufTensor* const tensor = keys.file().tensor(name);
    if (tensor == nullptr) {
        return {};
    }
    const std::int64_t pairs = rotated / 2;
    if (tensor->ggml_type != kGgmlF32 || tensor->dimensions.size() != 1 ||
        tensor->dimensions[0] != pairs) {
        keys.problem(fmt::format("{} is not a list of {} F32 values", name, pairs));
        return {};
    }
    std::vector<float> values(static_cast<std::size_t>(pairs));
    keys.file().read(*tensor, 0, std::as_writable_bytes(std::span(values)));
    const bool sound = std::ranges::all_of(values, [](float value) {
        return value >= kMinDivisor && value <= kMaxDivisor;
    });
    if (!sound) {
        keys.problem(fmt::format(
            "{} has values that are not between {} and {}", name, kMinDivisor, kMaxDivisor
        ));
        return {};
    }
    return values;
}

void read_divisors(Keys& keys, std::int64_t rotated, Rope& rope) {
    rope.divisors = divisors_in(keys, kRopeDivisors, rotated);
    const bool has_short = keys.file().tensor(kShortRopeDivisors) != nullptr;
    const bool has_long = keys.file().tensor(kLongRopeDivisors) != nullptr;
    if (has_short != has_long) {
        keys.problem(
            fmt::format("only one of {} and {} exists", kShortRopeDivisors, kLongRopeDivisors)
        );
    } else if (has_short && rope.divisors.empty()) {
        rope.divisors = divisors_in(keys, kShortRopeDivisors, rotated);
        rope.long_divisors = divisors_in(keys, kLongRopeDivisors, rotated);
    }
}

void read_yarn(Keys& keys, Rope& rope) {
    rope.beta_fast = keys.positive("rope.scaling.yarn_beta_fast", rope.beta_fast);
    rope.beta_slow = keys.positive("rope.scaling.yarn_beta_slow", rope.beta_slow);
    rope.log_multiplier =
        keys.value("rope.scaling.yarn_log_multiplier", &GgufFile::number).value_or(0);
    if (!(rope.log_multiplier >= 0 && rope.log_multiplier <= 1e3)) {
        keys.problem(fmt::format(
            "{}: expected 0 to 1000, found {}",
            keys.key("rope.scaling.yarn_log_multiplier"),
            rope.log_multiplier
        ));
    }
    keys.require_neutral("rope.scaling.yarn_ext_factor", 1, "another share of YaRN is");
    keys.require_neutral("rope.scaling.yarn_attn_factor", 1, "another magnitude of YaRN is");
}

/// Reads how frequencies are scaled. Older files have key rope.scale_linear alone.
void read_scaling(Keys& keys, Rope& rope) {
    const double old_factor = number_from_1(keys, "rope.scale_linear", 1);
    const double factor = number_from_1(keys, "rope.scaling.factor", old_factor);
    const auto type = keys.value("rope.scaling.type", &GgufFile::text).value_or("linear");
    if (type == "linear" || type == "yarn") {
        rope.factor = factor;
        rope.scaling = type == "yarn" ? RopeScaling::yarn : RopeScaling::linear;
        if (factor == 1) {
            rope.scaling = RopeScaling::none;
        }
    } else if (type == "longrope") {
        if (rope.long_divisors.empty()) {
            keys.problem(fmt::format(
                "{} is longrope, but {} is missing",
                keys.key("rope.scaling.type"),
                kLongRopeDivisors
            ));
        }
    } else if (type != "none") {
        keys.problem(fmt::format(
            "{} is {}: this scaling is not computed yet",
            keys.key("rope.scaling.type"),
            in_quotes(type)
        ));
    }
    if (rope.scaling == RopeScaling::yarn) {
        read_yarn(keys, rope);
    }
}

Rope window_rope(Keys& keys, const Rope& rope) {
    constexpr const char* kBase = "rope.freq_base_swa";
    Rope result = rope;
    if (keys.architecture().window_rope == WindowRope::same) {
        return result;
    }
    result.scaling = RopeScaling::none;
    result.factor = 1;
    result.magnitude = 1;
    if (keys.architecture().window_rope == WindowRope::base_10000) {
        result.base = number_from_1(keys, kBase, 10000.0);
    }
    return result;
}

} // namespace

void read_rope(Keys& keys, Hyperparameters& model) {
    Features& features = model.features;
    Rope& rope = features.rope;
    const std::int64_t d = model.head_width();
    const std::int64_t rotated = keys.count("rope.dimension_count", kMaxModelWidth, d);
    if (rotated > d || rotated % 2 != 0) {
        keys.problem(fmt::format(
            "{} is {}, but the head width is {}; expected an even number up to that",
            keys.key("rope.dimension_count"),
            rotated,
            d
        ));
        return;
    }
    features.rotated = rotated == d ? 0 : rotated;
    rope.base = number_from_1(keys, "rope.freq_base", rope.base);
    rope.original_context = static_cast<double>(keys.count(
        "rope.scaling.original_context_length",
        kMaxModelContext,
        std::max<std::int64_t>(model.context, 1) // 0: reported already
    ));
    rope.magnitude = keys.positive("rope.scaling.attn_factor", 1);
    read_divisors(keys, rotated, rope);
    read_scaling(keys, rope);
    features.window_rope = window_rope(keys, rope);
    features.temperature_context = static_cast<std::int64_t>(rope.original_context);
}

} // namespace headroom::model
