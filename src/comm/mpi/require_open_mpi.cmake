# require_open_mpi(TARGET): stops the configuration unless the target's MPI is Open MPI. The program relies
# on Open MPI's environment variables, mpirun and settings; with another MPI every rank would start a run of
# its own. The result is cached until the MPI changes.
include(CheckCXXSymbolExists)
function(require_open_mpi target)
    if(NOT HEADROOM_MPI_IS_OPEN_MPI OR NOT HEADROOM_MPI_ASKED STREQUAL "${MPI_CXX_INCLUDE_DIRS}")
        unset(HEADROOM_MPI_IS_OPEN_MPI CACHE)
    endif()
    set(CMAKE_REQUIRED_LIBRARIES ${target})
    set(CMAKE_REQUIRED_QUIET ON)
    check_cxx_symbol_exists(OPEN_MPI mpi.h HEADROOM_MPI_IS_OPEN_MPI)
    set(HEADROOM_MPI_ASKED "${MPI_CXX_INCLUDE_DIRS}" CACHE INTERNAL "the MPI that was asked")
    if(NOT HEADROOM_MPI_IS_OPEN_MPI)
        message(FATAL_ERROR
            "The MPI that was found (${MPI_CXX_INCLUDE_DIRS}) is not Open MPI, or programs cannot be "
            "compiled with it. Headroom needs Open MPI 4 or 5 (Debian: libopenmpi-dev, openmpi-bin). If "
            "it is installed beside another MPI, name it: -DMPI_CXX_COMPILER=mpicxx.openmpi "
            "-DMPIEXEC_EXECUTABLE=mpirun.openmpi")
    endif()
endfunction()
