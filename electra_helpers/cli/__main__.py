"""`python -m electra_helpers.cli`: the command `electra`."""

from electra_helpers.cli.entry import main

if __name__ == "__main__":
    main()
