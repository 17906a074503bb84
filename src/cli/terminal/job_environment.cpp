#include "cli/terminal/job_environment.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <initializer_list>
#include <string_view>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "cli/terminal/interrupt.hpp"

namespace headroom::cli {

namespace {

/// Returns the number in the first of the variables that is set, or `otherwise`.
int launcher_value(std::initializer_list<const char*> variables, int otherwise) {
    for (const char* const variable : variables) {
        if (const char* const text = std::getenv(variable)) {
            return std::atoi(text);
        }
    }
    return otherwise;
}

bool is_set(const char* variable) {
    return std::getenv(variable) != nullptr;
}

/// A shell of `srun --pty bash` is the only rank of its job step. Commands inherit its environment.
bool is_srun_shell() {
    return is_set("SLURM_PTY_PORT") && launcher_value({"SLURM_STEP_NUM_TASKS"}, 0) == 1 &&
           !is_set("OMPI_COMM_WORLD_SIZE");
}

} // namespace

bool is_launched_rank() {
    return is_set("OMPI_COMM_WORLD_SIZE") || (is_set("PMIX_RANK") && !is_srun_shell());
}

int mpirun_copies() {
    return launcher_value({"OMPI_COMM_WORLD_SIZE"}, 1);
}

int srun_copies_without_mpi() {
    return is_launched_rank() ? 1 : launcher_value({"SLURM_STEP_NUM_TASKS"}, 1);
}

int copies_by_another_mpi() {
    // PMI_SIZE: MPICH, Intel MPI and derivatives; the other: MVAPICH.
    return is_launched_rank() ? 1 : launcher_value({"PMI_SIZE", "MV2_COMM_WORLD_SIZE"}, 1);
}

std::string launcher_command(std::size_t ranks) {
    const bool by_mpirun = is_set("OMPI_COMM_WORLD_SIZE");
    return fmt::format("{} -n {}", by_mpirun ? "mpirun" : "srun --mpi=pmix", ranks);
}

bool is_rank_0() {
    return launcher_value({"OMPI_COMM_WORLD_RANK", "PMIX_RANK"}, 0) == 0;
}

int job_rank_count() {
    return launcher_value({"OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"}, 1);
}

bool all_ranks_on_this_host() {
    if (const int here = launcher_value({"OMPI_COMM_WORLD_LOCAL_SIZE"}, 0); here > 0) {
        return here == job_rank_count();
    }
    return launcher_value({"SLURM_STEP_NUM_NODES"}, 0) == 1;
}

bool rank_0_reports() {
    if (is_rank_0()) {
        return false;
    }
    const timespec patience{3, 0};
    return nanosleep(&patience, nullptr) !=
           0; // true: mpirun's signal came because rank 0 has ended the job
}

void clear_rank_environment() {
    constexpr std::string_view kPrefixes[]{
        "OMPI_COMM_WORLD_",
        "OMPI_MCA_orte_",
        "OMPI_MCA_ess",
        "OMPI_MCA_pmix",
        "PMIX_",
        "PMI_",
        "OMPI_UNIVERSE_",
        "OMPI_FILE_LOCATION"};
    std::vector<std::string> gone{kStartedByHeadroom};
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string name(*entry, std::strcspn(*entry, "="));
        if (std::any_of(std::begin(kPrefixes), std::end(kPrefixes), [&](std::string_view prefix) {
                return name.starts_with(prefix);
            })) {
            gone.push_back(name);
        }
    }
    for (const std::string& name : gone) {
        unsetenv(name.c_str());
    }
}

} // namespace headroom::cli
