#include "tests/scheduler/milp/lp_solver.hpp"

#include <filesystem>
#include <fstream>
#include <glpk.h>
#include <memory>
#include <unistd.h>

#include <fmt/format.h>

#include "base/check.hpp"

namespace headroom::scheduler::testing {

std::optional<double> solve_whole(glp_prob* glpk) {
    glp_smcp relaxed;
    glp_init_smcp(&relaxed);
    relaxed.msg_lev = GLP_MSG_OFF;
    glp_scale_prob(glpk, GLP_SF_AUTO);
    glp_adv_basis(glpk, 0);
    HEADROOM_CHECK(glp_simplex(glpk, &relaxed) == 0, "GLPK's simplex failed");
    if (glp_get_status(glpk) == GLP_NOFEAS) {
        return std::nullopt;
    }
    glp_iocp whole;
    glp_init_iocp(&whole);
    whole.msg_lev = GLP_MSG_OFF;
    whole.mir_cuts = GLP_ON;
    const int failure = glp_intopt(glpk, &whole);
    const int status = glp_mip_status(glpk);
    if (status == GLP_NOFEAS) {
        return std::nullopt;
    }
    HEADROOM_CHECK(failure == 0 && status == GLP_OPT, "GLPK says {}, {}", failure, status);
    return glp_mip_obj_val(glpk);
}

std::optional<LpSolution> solve_lp(const std::string& text) {
    const std::filesystem::path file =
        std::filesystem::temp_directory_path() / fmt::format("headroom_lp_{}.lp", getpid());
    std::ofstream(file, std::ios::binary) << text;
    const std::unique_ptr<glp_prob, void (*)(glp_prob*)> glpk(glp_create_prob(), glp_delete_prob);
    glp_term_out(GLP_OFF);
    const int unread = glp_read_lp(glpk.get(), nullptr, file.c_str());
    std::filesystem::remove(file);
    HEADROOM_CHECK(unread == 0, "GLPK cannot read the programme");
    const std::optional<double> objective = solve_whole(glpk.get());
    if (!objective) {
        return std::nullopt;
    }
    LpSolution solution{*objective, {}};
    for (int column = 1; column <= glp_get_num_cols(glpk.get()); ++column) {
        solution.values[glp_get_col_name(glpk.get(), column)] = glp_mip_col_val(glpk.get(), column);
    }
    return solution;
}

} // namespace headroom::scheduler::testing
