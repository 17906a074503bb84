// Checks the values that a device computes. The first value that is not finite ends the run with an
// error that names the block, the token and the device.
#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"
#include "kernels/finite.hpp"
#include "runtime/device/turn.hpp"

namespace headroom::runtime {

std::int64_t TurnRunner::rows_of(Pass pass) {
    return pass.size() > 1 ? static_cast<std::int64_t>(pass.size()) : pass.front().tokens;
}

namespace {

/// Returns the turn that a row belongs to, and the number of its token.
std::pair<const Turn&, std::int64_t> owner_of(std::int64_t row, std::span<const Turn> pass) {
    return pass.size() > 1
               ? std::pair<const Turn&, std::int64_t>(pass[static_cast<std::size_t>(row)], 0)
               : std::pair<const Turn&, std::int64_t>(pass.front(), row);
}

} // namespace

std::string TurnRunner::place_of(
    BlockId b, const Turn& turn, std::int64_t token, const std::string& how
) const {
    const BlockName& name = memory_->blocks().name(b);
    return fmt::format(
        "{} on device {} ({}) yields {} for token {} of sequence {} ({}, turn {})",
        to_string(name),
        memory_->self().value,
        settings_->device_name,
        how,
        turn.first + token,
        turn.sequence,
        name.layer < 0 ? std::string(name_of(name.kind)) : fmt::format("layer {}", name.layer),
        turn.number
    );
}

void TurnRunner::throw_not_finite(
    BlockId b, const Turn& turn, std::int64_t token, const std::string& how
) const {
    throw StuckError(fmt::format(
        "{}, expected finite numbers; the weights of model {} are finite, but its numbers "
        "overflow: the file is damaged or was converted wrongly, so get it again or take another "
        "model",
        place_of(b, turn, token, how),
        context_->model->name
    ));
}

void TurnRunner::throw_overflow(BlockId b, const model::CacheOverflow& error, Pass pass) const {
    const auto [turn, token] = owner_of(error.row(), pass);
    throw StuckError(
        fmt::format("{}, which {}", place_of(b, turn, token, error.number()), error.advice())
    );
}

void TurnRunner::expect_finite(
    BlockId b, const model::InputRows& rows, std::int64_t width, Pass pass
) const {
    for (std::int64_t row = 0; row < rows_of(pass); ++row) {
        const std::span<const float> own(rows.at(row), static_cast<std::size_t>(width));
        if (const auto at = kernels::first_not_finite(own)) {
            const auto [turn, token] = owner_of(row, pass);
            throw_not_finite(b, turn, token, fmt::format("{} at element {}", own[*at], *at));
        }
    }
}

/// Checks that the squares of x have a finite sum. Otherwise the next norm would make x 0.
void TurnRunner::expect_residual(BlockId b, const model::InputRows& x, Pass pass) const {
    const auto width = static_cast<std::size_t>(memory_->blocks().shape().width);
    for (std::int64_t row = 0; row < rows_of(pass); ++row) {
        const std::span<const float> own(x.at(row), width);
        if (!kernels::squares_fit(own)) {
            expect_finite(b, x, static_cast<std::int64_t>(width), pass);
            const auto [turn, token] = owner_of(row, pass);
            throw_not_finite(
                b, turn, token, "numbers whose squares are beyond what a float can hold"
            );
        }
    }
}

} // namespace headroom::runtime
