"""Models trained and quantised with numpy alone, on synthetic data that is the same every time."""
