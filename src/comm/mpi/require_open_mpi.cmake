# require_open_mpi(TARGET): ends configuring unless the MPI behind the target is Open MPI. The program
# knows Open MPI's environment, its mpirun and its settings; with another MPI every rank would take
# itself for a whole run.
include(CheckCXXSymbolExists)
function(require_open_mpi target)
    set(CMAKE_REQUIRED_LIBRARIES ${target})
    set(CMAKE_REQUIRED_QUIET ON)
    unset(HEADROOM_MPI_IS_OPEN_MPI CACHE)
    check_cxx_symbol_exists(OPEN_MPI mpi.h HEADROOM_MPI_IS_OPEN_MPI)
    if(NOT HEADROOM_MPI_IS_OPEN_MPI)
        message(FATAL_ERROR
            "The MPI that was found (${MPI_CXX_INCLUDE_DIRS}) is not Open MPI. Headroom needs Open MPI 4 "
            "or 5 (Debian: libopenmpi-dev, openmpi-bin). If it is installed beside another MPI, name it: "
            "-DMPI_CXX_COMPILER=mpicxx.openmpi -DMPIEXEC_EXECUTABLE=mpirun.openmpi")
    endif()
endfunction()
