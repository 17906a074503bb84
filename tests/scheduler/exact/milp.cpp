#include "tests/scheduler/exact/milp.hpp"

#include <algorithm>
#include <cstddef>
#include <glpk.h>
#include <memory>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "tests/scheduler/milp/lp_solver.hpp"

namespace headroom::scheduler::testing {
namespace {

using Where = MilpMistake::Where;

struct Term {
    int column = 0;
    double coefficient = 0;
};
using Terms = std::vector<Term>;

/// A problem of GLPK. Columns are variables ≥ 0 with a cost, and rows are constraints.
class Programme {
  public:
    Programme() : glpk_(glp_create_prob(), glp_delete_prob) {
        glp_term_out(GLP_OFF);
        glp_set_obj_dir(glpk_.get(), GLP_MIN);
    }

    int variable(double cost, int kind) {
        const int column = glp_add_cols(glpk_.get(), 1);
        glp_set_col_bnds(glpk_.get(), column, GLP_LO, 0.0, 0.0);
        glp_set_col_kind(glpk_.get(), column, kind); // a binary gets its own bounds
        glp_set_obj_coef(glpk_.get(), column, cost);
        return column;
    }

    void equal(const Terms& terms, double value) { row(terms, GLP_FX, value); }
    void at_most(const Terms& terms, double value) { row(terms, GLP_UP, value); }

    /// Returns the optimum, or nothing if no solution exists.
    [[nodiscard]] std::optional<double> solve() { return solve_whole(glpk_.get()); }

  private:
    void row(const Terms& terms, int type, double value) {
        std::vector<int> columns = {0}; // GLPK counts from 1
        std::vector<double> coefficients = {0.0};
        for (const Term& term : terms) {
            columns.push_back(term.column);
            coefficients.push_back(term.coefficient);
        }
        const int row = glp_add_rows(glpk_.get(), 1);
        glp_set_row_bnds(glpk_.get(), row, type, value, value);
        const int length = static_cast<int>(terms.size());
        glp_set_mat_row(glpk_.get(), row, length, columns.data(), coefficients.data());
    }

    std::unique_ptr<glp_prob, void (*)(glp_prob*)> glpk_;
};

/// docs/explanation/head-level-partitioning.md#block-costs-of-profile-paper: b = 4 bytes, L = L₀ +
/// n.
struct Amounts {
    double head = 0;
    double proj = 0;
    double ffn = 0;
};

Amounts memory(const ModelShape& shape, double prompt, double generated) {
    const double length = prompt + generated;
    const auto width = static_cast<double>(shape.width);
    const auto head_width = static_cast<double>(shape.head_width());
    return {
        4.0 * (3.0 * length * head_width + 3.0 * width * head_width + generated * width),
        4.0 * length * width,
        16.0 * length * width};
}

Amounts compute(const ModelShape& shape, double length) {
    const auto width = static_cast<double>(shape.width);
    const auto head_width = static_cast<double>(shape.head_width());
    return {
        3.0 * length * width * head_width + length * length * head_width,
        length * width * width,
        8.0 * length * width * width};
}

class Writer {
  public:
    Writer(const Problem& problem, const MilpMistake& mistake)
        : problem_(problem), shape_(problem.blocks->shape()), mistake_(mistake),
          devices_(problem.snapshot.size()),
          steps_(static_cast<double>(std::max(problem.interval, problem.look_ahead))),
          memory_(devices_) {
        const auto prompt = static_cast<double>(problem.prompt);
        const auto until = [&](std::int64_t context) {
            return std::max(0.0, static_cast<double>(context) - prompt);
        };
        const double later = until(problem.context + problem.interval);
        held_ = scaled(memory(shape_, prompt, later), Where::memory);
        moved_ = scaled(memory(shape_, prompt, until(problem.context)), Where::migration);
        computed_ = compute(shape_, prompt + later);
        head_output_ = factor(Where::gather) * 4.0 * (prompt + later) *
                       static_cast<double>(shape_.width) / shape_.heads;
        proj_output_ =
            factor(Where::proj_to_ffn) * 4.0 * (prompt + later) * static_cast<double>(shape_.width);
    }

    std::optional<double> optimum() {
        for (std::int32_t l = 0; l < shape_.layers; ++l) {
            layer(l);
        }
        for (std::size_t j = 0; j < devices_; ++j) {
            programme_.at_most(memory_[j], 1.0); // as a share, so that coefficients are near 1
        }
        return programme_.solve();
    }

  private:
    struct Places {
        std::vector<int> heads; ///< [device], columns
        std::vector<int> proj;
        std::vector<int> ffn;
    };

    [[nodiscard]] double factor(Where where) const {
        return mistake_.where == where ? mistake_.factor : 1.0;
    }

    [[nodiscard]] Amounts scaled(const Amounts& amounts, Where where) const {
        const double f = factor(where);
        return {f * amounts.head, f * amounts.proj, f * amounts.ffn};
    }

    [[nodiscard]] double rate(std::size_t device) const {
        return static_cast<double>(problem_.snapshot.devices[device].compute);
    }

    /// Returns the seconds of a transfer; bandwidths are in bytes per second.
    [[nodiscard]] double transfer(double bytes, std::size_t from, std::size_t to) const {
        const auto& link = problem_.snapshot.links[from * devices_ + to];
        return from == to ? 0.0 : bytes / static_cast<double>(link.bandwidth);
    }

    void layer(std::int32_t l) {
        const Places places = place(l);
        hold(places);
        wait_for_heads(places);
        gather(places);
        hand_over(places);
        if (problem_.previous) {
            move_heads(l, places);
        }
    }

    /// Returns the cost of moving a block to j, which is paid once and not per step.
    [[nodiscard]] double move_cost(BlockId b, std::size_t j, double bytes) const {
        return problem_.previous ? transfer(bytes, (*problem_.previous)[b.index()].index(), j)
                                 : 0.0;
    }

    Places place(std::int32_t l) {
        Places places;
        Terms heads;
        Terms proj;
        Terms ffn;
        for (std::size_t j = 0; j < devices_; ++j) {
            const double on_proj = steps_ * computed_.proj / rate(j) +
                                   move_cost(problem_.blocks->proj(l), j, moved_.proj);
            const double on_ffn = steps_ * computed_.ffn / rate(j) +
                                  move_cost(problem_.blocks->ffn(l), j, moved_.ffn);
            places.heads.push_back(programme_.variable(0.0, GLP_IV));
            places.proj.push_back(programme_.variable(on_proj, GLP_BV));
            places.ffn.push_back(programme_.variable(on_ffn, GLP_BV));
            heads.push_back({places.heads[j], 1.0});
            proj.push_back({places.proj[j], 1.0});
            ffn.push_back({places.ffn[j], 1.0});
        }
        programme_.equal(heads, shape_.heads);
        programme_.equal(proj, 1.0);
        programme_.equal(ffn, 1.0);
        return places;
    }

    /// Memory adds up over layers; compute is limited within each.
    void hold(const Places& places) {
        for (std::size_t j = 0; j < devices_; ++j) {
            const auto bytes = static_cast<double>(problem_.snapshot.devices[j].memory);
            const double flops = rate(j) * problem_.t_budget_s * factor(Where::budget);
            memory_[j].push_back({places.heads[j], held_.head / bytes});
            memory_[j].push_back({places.proj[j], held_.proj / bytes});
            memory_[j].push_back({places.ffn[j], held_.ffn / bytes});
            programme_.at_most(
                {{places.heads[j], computed_.head / flops},
                 {places.proj[j], computed_.proj / flops},
                 {places.ffn[j], computed_.ffn / flops}},
                1.0
            );
        }
    }

    /// The unit of `slowest` is the time of one head on device 0, so that coefficients are near 1.
    void wait_for_heads(const Places& places) {
        const double unit = computed_.head / rate(0);
        const int slowest = programme_.variable(steps_ * unit, GLP_CV);
        for (std::size_t j = 0; j < devices_; ++j) {
            const double each = factor(Where::head_compute) * rate(0) / rate(j);
            programme_.at_most({{places.heads[j], each}, {slowest, -1.0}}, 0.0);
        }
    }

    void gather(const Places& places) {
        for (std::size_t j = 0; j < devices_; ++j) {
            Terms from_j = {{places.heads[j], -1.0}};
            for (std::size_t k = 0; k < devices_; ++k) {
                const double cost = steps_ * transfer(head_output_, j, k);
                const int sent = programme_.variable(cost, GLP_CV);
                from_j.push_back({sent, 1.0});
                programme_.at_most(
                    {{sent, 1.0}, {places.proj[k], -static_cast<double>(shape_.heads)}}, 0.0
                );
            }
            programme_.equal(from_j, 0.0);
        }
    }

    void hand_over(const Places& places) {
        std::vector<Terms> to(devices_);
        for (std::size_t j = 0; j < devices_; ++j) {
            Terms from_j = {{places.proj[j], -1.0}};
            for (std::size_t k = 0; k < devices_; ++k) {
                const double cost = steps_ * transfer(proj_output_, j, k);
                const int both = programme_.variable(cost, GLP_CV);
                from_j.push_back({both, 1.0});
                to[k].push_back({both, 1.0});
            }
            programme_.equal(from_j, 0.0);
        }
        for (std::size_t k = 0; k < devices_; ++k) {
            to[k].push_back({places.ffn[k], -1.0});
            programme_.equal(to[k], 0.0);
        }
    }

    void move_heads(std::int32_t l, const Places& places) {
        std::vector<double> before(devices_, 0.0);
        for (std::int32_t g = 0; g < shape_.heads; ++g) {
            before[(*problem_.previous)[problem_.blocks->group(l, g).index()].index()] += 1.0;
        }
        std::vector<Terms> to(devices_);
        for (std::size_t i = 0; i < devices_; ++i) {
            Terms from_i;
            for (std::size_t j = 0; j < devices_; ++j) {
                const int heads = programme_.variable(transfer(moved_.head, i, j), GLP_CV);
                from_i.push_back({heads, 1.0});
                to[j].push_back({heads, 1.0});
            }
            programme_.equal(from_i, before[i]);
        }
        for (std::size_t j = 0; j < devices_; ++j) {
            to[j].push_back({places.heads[j], -1.0});
            programme_.equal(to[j], 0.0);
        }
    }

    const Problem& problem_;
    const ModelShape& shape_;
    MilpMistake mistake_;
    std::size_t devices_;
    double steps_;
    Amounts held_;
    Amounts moved_;
    Amounts computed_;
    double head_output_ = 0;
    double proj_output_ = 0;
    std::vector<Terms> memory_; ///< [device], over all layers
    Programme programme_;
};

} // namespace

std::optional<double> milp_optimum(const Problem& problem, const MilpMistake& mistake) {
    const ModelShape& shape = problem.blocks->shape();
    HEADROOM_CHECK(
        problem.cost_profile == CostProfile::paper && !problem.blocks->sliced() &&
            !shape.has_ends && shape.heads == shape.kv_heads &&
            problem.paper.gather == PaperGather::sum && !problem.weights_everywhere,
        "not an instance of the generator under profile paper"
    );
    return Writer(problem, mistake).optimum();
}

} // namespace headroom::scheduler::testing
