// What sums of sizes can be at all: n blocks of one size fill a device or a lane in steps of that
// size, so that a limit between two steps is as good as the lower one. Bounds gain much from it
// where blocks are large beside what they have to fit into.
#pragma once

#include <cstddef>
#include <vector>

namespace headroom::scheduler::exact {

/// base + Σ n_c·size_c with 0 ≤ n_c ≤ count_c.
class Sums {
  public:
    explicit Sums(double base = 0) : base_(base) {}
    void add_base(double size) { base_ += size; }
    /// `count` more things of a size; equal sizes are one class.
    void add(double size, double count);

    [[nodiscard]] double base() const { return base_; }
    /// The largest sum that is not above x; `none` if there is none.
    [[nodiscard]] double below(double x, double none) const;
    /// The smallest sum that is not below x; `none` if there is none.
    [[nodiscard]] double above(double x, double none) const;

  private:
    struct Class {
        double size = 0;
        double count = 0;
    };
    template <class Take>
    void visit(const Take& take) const;

    double base_;
    std::vector<Class> classes_;
};

} // namespace headroom::scheduler::exact
