// The parts of the programme of milp_export.hpp. The rows of a layer's time differ between the cost
// profiles; where blocks are, memory and migration are alike.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "scheduler/exact/tables.hpp"
#include "scheduler/milp/linear_programme.hpp"

namespace headroom::scheduler::milp {

using exact::Item;
using exact::kNowhere;
using exact::Pool;
using exact::Tables;

class MilpWriter {
  public:
    MilpWriter(const Tables& tables, std::vector<std::string> names);

    /// Adds everything, unless it has more than kMostMilpTerms coefficients.
    void write();
    [[nodiscard]] const LinearProgramme& programme() const { return programme_; }

  private:
    static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
    /// [device]: the variable, or kNone if the device can have no block.
    using OnDevice = std::vector<std::size_t>;

    /// A block that is on one of the devices, or fixed on one (then `at` has no variables).
    struct Host {
        OnDevice at;
        std::size_t fixed = kNone;
    };
    /// The units of a pool.
    struct UnitVariables {
        OnDevice count;
        std::vector<OnDevice> is; ///< [device][n]: 1 if the device has n units; `physical` only
        std::int32_t units = 0;
    };

    [[nodiscard]] std::string named(const std::string& what, std::size_t layer, std::size_t d)
        const;
    [[nodiscard]] bool usable(std::size_t d) const { return tables_.capacity(d) >= 0; }
    [[nodiscard]] Host place_host(const Item& item, const std::string& name);
    void hold(const Item& item, std::size_t d, std::size_t variable, double count);
    void move(const Item& item, std::size_t d, std::size_t variable, std::int64_t most);
    [[nodiscard]] UnitVariables place_units(std::size_t pool, const std::string& letter);
    void count_units(UnitVariables& units, const std::string& letter, std::size_t layer);
    void place_ends();
    void share_tied_matrix();
    /// Adds variables that are 1 if the one host is on a and the other on b, and returns them as
    /// [a][b]. Where a host is fixed, they are the variables of the other.
    [[nodiscard]] std::vector<OnDevice> pairs(
        const Host& first, const Host& second, const std::string& name
    );
    void write_physical_layer(std::size_t layer);
    void write_paper_layer(std::size_t layer);
    void wait_for_units(
        const UnitVariables& units,
        std::size_t layer,
        std::size_t holder,
        std::size_t target,
        std::size_t pair,
        std::size_t time,
        Unit unit
    );
    void wait_for_pair(
        std::string name, Terms terms, std::size_t pair, std::size_t time, double right, double most
    );
    void write_slices(std::size_t layer, const Host& hub);
    void finish_step(const Host& holder);
    void write_memory();
    void write_migration();

    /// A move of a block over a lane: up to `most` blocks, of the variable's number.
    struct LaneMove {
        Terms moves;
        std::int64_t most = 0;
    };
    struct Lane {
        Terms busy;
        std::vector<LaneMove> moves;
    };

    const Tables& tables_;
    const StepDelay& step_;
    std::vector<std::string> names_;
    LinearProgramme programme_;
    double steps_;
    std::size_t one_;           ///< a variable that is always 1, for constant terms
    std::vector<Terms> memory_; ///< [device]: MiB
    std::vector<Lane> lanes_;
    Host embed_;
    Host lm_head_;
    Host holder_; ///< where x is at the beginning of the next layer
};

/// Programmes with more coefficients than this are not written: their text would have gigabytes.
inline constexpr std::size_t kMostMilpTerms = 30'000'000;

} // namespace headroom::scheduler::milp
