// Enumerates the counts of all classes except the one with most objects. If there are too many
// combinations, every x counts as attainable, which keeps bounds valid.
#include "scheduler/exact/attainable.hpp"

#include <algorithm>
#include <cmath>

namespace headroom::scheduler::exact {
namespace {

constexpr double kMostCombinations = 200;

} // namespace

void Sums::add(double size, double count) {
    if (size <= 0 || count <= 0) {
        return;
    }
    for (Class& c : classes_) {
        if (c.size == size) {
            c.count += count;
            return;
        }
    }
    classes_.push_back({size, count});
}

/// Calls take(sum, class) for every choice of the counts of all other classes than `class`.
template <class Take>
void Sums::visit(const Take& take) const {
    const auto most = std::ranges::max_element(classes_, {}, &Class::count);
    const Class last = most == classes_.end() ? Class{1, 0} : *most;
    double combinations = 1;
    std::vector<Class> others;
    for (auto c = classes_.begin(); c != classes_.end(); ++c) {
        if (c != most) {
            others.push_back(*c);
            combinations *= c->count + 1;
        }
    }
    if (combinations > kMostCombinations) {
        take(base_, Class{0, 0});
        return;
    }
    std::vector<double> chosen(others.size(), 0);
    while (true) {
        double sum = base_;
        for (std::size_t i = 0; i < others.size(); ++i) {
            sum += chosen[i] * others[i].size;
        }
        take(sum, last);
        std::size_t i = 0;
        while (i < others.size() && chosen[i] >= others[i].count) {
            chosen[i++] = 0;
        }
        if (i == others.size()) {
            return;
        }
        chosen[i] += 1;
    }
}

double Sums::below(double x, double none) const {
    double best = none;
    visit([&](double sum, const Class& last) {
        if (sum > x) {
            return;
        }
        if (last.size <= 0) {
            best = x;
            return;
        }
        const double n = std::min(last.count, std::floor((x - sum) / last.size));
        best = std::max(best, sum + n * last.size);
    });
    return best;
}

double Sums::above(double x, double none) const {
    double best = none;
    visit([&](double sum, const Class& last) {
        if (last.size <= 0) {
            best = std::min(best, std::max(x, sum));
            return;
        }
        const double n = std::max(0.0, std::ceil((x - sum) / last.size));
        if (n <= last.count) {
            best = std::min(best, sum + n * last.size);
        }
    });
    return best;
}

} // namespace headroom::scheduler::exact
