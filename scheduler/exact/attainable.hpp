// Subset sums: which sums of given sizes are attainable. Blocks of one size fill a device's memory,
// or the time of a lane (a link or a storage), in steps of that size, so a limit between two steps
// can be lowered to the lower step. This improves bounds much if blocks are large.
#pragma once

#include <vector>

namespace headroom::scheduler::exact {

/// The set of all sums base + Σ n_c·size_c with 0 ≤ n_c ≤ count_c.
class Sums {
  public:
    explicit Sums(double base = 0) : base_(base) {}
    void add_base(double size) { base_ += size; }
    /// Adds `count` objects of this size. Objects of equal sizes form one class.
    void add(double size, double count);

    [[nodiscard]] double base() const { return base_; }
    /// Returns the largest sum that is not above x, or `none` if there is none.
    [[nodiscard]] double below(double x, double none) const;
    /// Returns the smallest sum that is not below x, or `none` if there is none.
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
