// The angles of the rotary embedding (execute.hpp declares fill_rope_angles).
#include <algorithm>
#include <cmath>
#include <numbers>

#include "model/decoder/execute.hpp"

namespace headroom::model {

namespace {

/// Returns the pair, not rounded, that turns `turns` times in the original context.
double pair_that_turns(const Rope& rope, std::int64_t rotated, double turns) {
    const double positions = rope.original_context / (turns * 2 * std::numbers::pi);
    return static_cast<double>(rotated) * kernels::portable_log(positions) /
           (2 * kernels::portable_log(rope.base));
}

/// Returns the share of the frequency without scaling in that of pair i, from 0 to 1.
double unscaled_share(const Rope& rope, std::int64_t rotated, std::int64_t i) {
    const double last = static_cast<double>(rotated) - 1;
    const double low = std::max(0.0, std::floor(pair_that_turns(rope, rotated, rope.beta_fast)));
    const double high = std::min(last, std::ceil(pair_that_turns(rope, rotated, rope.beta_slow)));
    const double along = (static_cast<double>(i) - low) / std::max(0.001, high - low);
    return 1 - std::clamp(along, 0.0, 1.0);
}

/// LongRoPE's second list of divisors applies to a whole model, so that a result does not depend on
/// the length of a run.
const std::vector<float>& divisors_of(const Rope& rope, std::int64_t context) {
    const bool is_long = static_cast<double>(context) > rope.original_context;
    return is_long && !rope.long_divisors.empty() ? rope.long_divisors : rope.divisors;
}

double frequency_of(
    const Rope& rope, const std::vector<float>& divisors, std::int64_t rotated, std::int64_t i
) {
    double frequency = kernels::rope_frequency(rope.base, i, rotated);
    if (!divisors.empty()) {
        frequency /= static_cast<double>(divisors[static_cast<std::size_t>(i)]);
    }
    switch (rope.scaling) {
    case RopeScaling::none:
        return frequency;
    case RopeScaling::linear:
        return frequency / rope.factor;
    case RopeScaling::yarn:
        break;
    }
    const double share = unscaled_share(rope, rotated, i);
    return frequency / rope.factor * (1 - share) + frequency * share;
}

double magnitude_of(const Rope& rope) {
    if (rope.scaling != RopeScaling::yarn) {
        return rope.magnitude;
    }
    const double log_factor = kernels::portable_log(rope.factor);
    return rope.magnitude * (1 + 0.1 * log_factor) / (1 + 0.1 * rope.log_multiplier * log_factor);
}

void fill_angles(
    const Hyperparameters& model,
    const Rope& rope,
    std::int64_t first,
    std::int64_t n,
    const Rows& angles
) {
    const std::int64_t rotated = rotated_width(model);
    const std::int64_t half = model.head_width() / 2;
    const std::vector<float>& divisors = divisors_of(rope, model.context);
    const double magnitude = magnitude_of(rope);
    for (std::int64_t i = 0; i < rotated / 2; ++i) {
        const double frequency = frequency_of(rope, divisors, rotated, i);
        for (std::int64_t t = 0; t < n; ++t) {
            float* const cosines = angles.at(t);
            kernels::rope_angle(first + t, frequency, magnitude, cosines[i], cosines[half + i]);
        }
    }
}

} // namespace

std::int64_t rotated_width(const Hyperparameters& model) {
    return model.features.rotated > 0 ? model.features.rotated : model.head_width();
}

void fill_rope_angles(
    const Hyperparameters& model, std::int64_t first, std::int64_t n, float* angles
) {
    const std::int64_t d = model.head_width();
    const std::int64_t width = model.angle_width();
    const Features& features = model.features;
    const bool all_have_windows = model.window > 0 && width == d;
    const Rope& rope = all_have_windows ? features.window_rope : features.rope;
    fill_angles(model, rope, first, n, {angles, width});
    if (width > d) {
        fill_angles(model, features.window_rope, first, n, {angles + d, width});
    }
}

} // namespace headroom::model
