// Subgradient steps towards the prices with the highest bound, with Polyak's step length: the price
// of a constraint that the solution of a relaxation violates becomes higher.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "scheduler/exact/tables.hpp"

namespace headroom::scheduler::exact {

class PriceSteps {
  public:
    /// Steps become shorter after `patience` bounds in a row that are not the best one.
    /// The first `steady` prices keep a part of the direction of the step before.
    explicit PriceSteps(int patience, std::size_t steady, double best = -kInfinite)
        : patience_(patience), steady_(steady), best_(best) {}

    enum class Progress { higher, none, shorter };
    /// Notes the bound at the present prices. Says whether it is the highest so far, or whether
    /// steps have become shorter.
    Progress note(double bound) {
        if (bound > best_) {
            best_ = bound;
            without_ = 0;
            return Progress::higher;
        }
        if (++without_ < patience_) {
            return Progress::none;
        }
        without_ = 0;
        scale_ *= kShorter;
        return Progress::shorter;
    }
    [[nodiscard]] double best() const { return best_; }
    /// Returns the share of Polyak's length that steps have at present.
    [[nodiscard]] double scale() const { return scale_; }

    /// Changes the prices, which stay at least 0. `slope` is the subgradient, and `gap` how much
    /// higher the bound might become. There may be more prices than in the step before. Returns
    /// false if the prices are optimal.
    [[nodiscard]] bool move(
        std::vector<double>& prices, const std::vector<double>& slope, double gap
    ) {
        direction_.resize(prices.size(), 0);
        double norm = 0;
        for (std::size_t k = 0; k < prices.size(); ++k) {
            const double up = prices[k] <= 0 ? std::max(0.0, slope[k]) : slope[k];
            direction_[k] = up + (k < steady_ ? kOldDirection * direction_[k] : 0);
            norm += direction_[k] * direction_[k];
        }
        if (norm <= 0) {
            return false;
        }
        const double length = scale_ * gap / norm;
        for (std::size_t k = 0; k < prices.size(); ++k) {
            prices[k] = std::max(0.0, prices[k] + length * direction_[k]);
        }
        return true;
    }

  private:
    static constexpr double kShorter = 0.6;
    static constexpr double kOldDirection = 0.4; ///< share of the direction of the step before

    int patience_;
    std::size_t steady_;
    double best_;
    double scale_ = 1;
    int without_ = 0; ///< bounds since the best one, or since steps have become shorter
    std::vector<double> direction_;
};

} // namespace headroom::scheduler::exact
